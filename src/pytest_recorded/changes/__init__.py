"""What has changed between the recorded answers and others: those of a live run, or of another cassette.

`model` says what a report is, and everything that shows one reads nothing else.
"""
