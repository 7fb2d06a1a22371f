"""Figures for people, from the state and the facts; pure."""
