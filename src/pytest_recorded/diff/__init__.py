"""What differs between two JSON trees, and between two texts: pure, bounded in time, and exact."""
