"""How often: rates of requests counted in Redis or in the process, attempts at secrets counted in the database."""
