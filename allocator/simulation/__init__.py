"""The same demand under five rules: who gets the seats, and what speed, false identities and lies earn.

`demand` makes the people from a seed, `rules` seats them, `lies` tries what misreporting earns, `figures` judges, `run`
puts it together. Pure but for `seat_most`, which loads OR-Tools.
"""
