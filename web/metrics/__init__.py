"""計測値: what a monitoring system is told: are we late, are we losing, are we slow."""
