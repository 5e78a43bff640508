"""Second factors: one-time codes (RFC 6238), security keys (WebAuthn level 3) and recovery codes.

Optional. An account without one signs in with its password as before. Imports the identity room's own modules, pyotp,
webauthn and cryptography.
"""
