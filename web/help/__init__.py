"""質問と答え: help for residents, the ways of paying, and how far each channel has reported."""
