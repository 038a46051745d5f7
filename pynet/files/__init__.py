"""Files over a swarm: whole trees, both ways, verified, and resumed where they were cut off."""
