"""Ends each writing verb in each way that there is, and looks at what the others make of it.

``python -m tools.kills`` runs it: see ``__main__.py``. ``chain.py`` names the verbs, ``child.py``
runs one in a process of its own, ``workplace.py`` is the folder in which they work, ``killed.py``
ends them at each of their file operations, and ``starved.py`` takes away what they need.
"""
