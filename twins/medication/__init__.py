"""Precision medication: a patient's genotype, current drugs and history beside guidelines and trials."""
