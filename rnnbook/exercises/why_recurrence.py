"""Exercises of the chapter *Why recurrence?*"""
