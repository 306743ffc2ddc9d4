"""The rules of fund loads: pure, standard library only, no clock, no logging, no I/O.

Bad input is a value here (`attempt.Declined`), a bug an assertion. Nothing is re-exported: import
from the module that owns a name.
"""
