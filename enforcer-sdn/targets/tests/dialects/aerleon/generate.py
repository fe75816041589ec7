"""Policies on standard input, what Aerleon makes of them on standard output: each text behind a line with its name."""

import logging
import sys

import yaml
from aerleon import api
from aerleon.lib import naming

logging.disable(logging.CRITICAL)
document = yaml.safe_load(sys.stdin)
definitions = naming.Naming()
definitions.ParseDefinitionsObject(document["definitions"], "corpus")
for name, text in sorted(api.Generate(document["policies"], definitions).items()):
    print(f"===== {name}")
    print(text)
