"""Simulates a deployment (discrete events), to show which limit is reached first as exports grow. Runs no app code."""
