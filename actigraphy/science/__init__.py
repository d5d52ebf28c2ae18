"""Actigraphy as science: arrays in, arrays out, no Django.

``pipeline`` puts the others in order: ``devices`` (what a device's counts mean), ``nonwear``, ``rest`` (main rest
periods and naps), ``sleep`` (sleep or wake per epoch), ``nights``, ``rhythm``; ``thresholds`` says how much
data each number needs.
"""
