// Right: reference: wire#1, wire#1.1 rule 1; RFC 8536 section 3.3.
// (reference: wire#2)
// (reference: wire#1.1
// rule 2)
// (reference: wire section 1)
// (reference: nowhere#1)
// It is in section 1.
