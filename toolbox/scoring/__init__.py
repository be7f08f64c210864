"""The leaderboard's score, submissions and what they are scored against, baselines, confidence intervals."""
