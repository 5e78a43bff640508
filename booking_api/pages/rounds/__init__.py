"""Pages about rounds that stand alone: one file each, with its styles in it and nothing fetched, to be handed on."""
