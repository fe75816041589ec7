"""Policies on standard input, what Aerleon makes of them on standard output: each text behind a line with policy and generator.

A generator that gives up leaves one line that begins with `!`.
"""

import copy
import logging
import sys

import yaml
from aerleon import api
from aerleon.lib import naming

logging.disable(logging.CRITICAL)
document = yaml.safe_load(sys.stdin)
definitions = naming.Naming()
definitions.ParseDefinitionsObject(document["definitions"], "corpus")
for number, policy in enumerate(document["policies"]):
    for generator, options in policy["targets"].items():
        terms = copy.deepcopy(policy["terms"])
        filters = [{"header": {"targets": {generator: options}}, "terms": terms}]
        print(f"===== {number} {generator}")
        try:
            for text in api.Generate([{"filename": "corpus", "filters": filters}], definitions).values():
                print(text)
        except Exception as error:
            print("!", repr(error).replace("\n", " "))
