"""The words of Nexus: frozen dataclasses and enums, standard library only."""
