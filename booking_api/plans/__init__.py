"""Plans: what an authority will give out, drafted, published for good, closed, and cancelled session by session."""
