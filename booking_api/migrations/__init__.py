"""The application's own branch of the schema."""
