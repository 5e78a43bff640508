"""The platform's other services: each a Litestar plugin found by the entry point `gongdao.services`.

May import everything below; a service never imports another service.
"""
