TEST(Sign, OfMinusOne) {}
