# Asks Cedar: one JSON object a line in, {"policies": TEXT, "asked":
# [[REQUEST, ENTITIES], ...]}; one a line out, the answers: [ALLOWED, [ERRORS]].

import json
import sys

import cedarpy

for line in sys.stdin:
    one = json.loads(line)
    answers = []
    for request, entities in one["asked"]:
        r = cedarpy.is_authorized(request, one["policies"], entities)
        answers.append([r.allowed, r.diagnostics.errors])
    print(json.dumps(answers))
