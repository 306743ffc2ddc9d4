"""Files: the input read in bounded memory, the output that appears whole or not at all.

`source.py` cuts the input into chunks of whole lines and keeps a running digest; `output.py` writes
rows in line order to `OUT.partial` and renames it at the end; `partial.py` is one such file, or the
standard output; `checkpoint.py` is the small file that lets a killed collector go on. What a line
or a row means is not known here.
"""
