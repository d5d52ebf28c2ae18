"""Encounter notes: their formats, how they are written, signed and amended, and drafts that programs make of facts."""
