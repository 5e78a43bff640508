"""Who somebody is: access tokens now; people, roles and sign-in join here."""
