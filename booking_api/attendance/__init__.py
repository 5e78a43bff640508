"""Who came: checked in at the door by the code on their booking, or noted as missed when the session is over."""
