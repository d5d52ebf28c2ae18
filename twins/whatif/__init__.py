"""What if: the model of a patient's daily mood run on with something changed. A simulation, and no advice."""
