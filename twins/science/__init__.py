"""What a twin computes: arrays in, arrays out; no Django."""
