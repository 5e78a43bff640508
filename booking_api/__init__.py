"""The application: settings, gate, routes, pages, jobs, CLI. With `services`, the only package that imports Litestar."""
