// TEST is not written yet.
