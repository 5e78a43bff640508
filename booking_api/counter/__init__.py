"""What a clerk does for somebody who stands at the counter, in the same queue and under the same rules as everybody.

(1) visit   the clerk has the card in hand: the account is found by login and number, or by number and name, or opened
(2) act     each act is noted with its clerk before it is done, and its outcome after it
(3) end     the visit ends by hand, or by itself; without one nobody acts for anybody

The person's claim is the person's: their one hold, their rules, their limits. Imports the kernel, the rules, identity and
payments.
"""
