"""How fast Novamind is, against the limit of the machine it runs on; see README.md."""
