"""Rounds, as anyone can check them: the problem, the public order, the certificate, the bound and the measures.

`problem` reads who asks for what, `round` puts everybody in the public order, `outcome` reads and writes a result,
`check` says whether it is the one the rule promises. Nothing here decides who gets what: that is the allocator's.
"""
