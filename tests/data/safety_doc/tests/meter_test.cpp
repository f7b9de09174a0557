TEST(Meter, Silent) {}
