"""What a history must not show. Each module judges one workload, and knows nothing of how it was run."""
