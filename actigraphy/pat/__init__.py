"""PAT at work: which encoder and which cohort serve, what they say of a recording's weeks, and where they run."""
