"""Which pipeline makes better riddles: datasets, evaluators, experiments and reports. Knows no HTTP and no settings."""
