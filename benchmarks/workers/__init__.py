"""Adapters: each is a script that runs one package in a process of its own and imports nothing of this one."""
