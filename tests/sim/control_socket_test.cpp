#include "tests/sim/runner.hpp"

namespace esshub::sim {
namespace {

TEST_F(Runner, SeveralClientsCommandAtOnce) {
  ASSERT_TRUE(good_) << reason_;
  Client one{*this};
  Client two{*this};
  EXPECT_EQ(one.ask("load 700"), "ok");
  EXPECT_EQ(two.ask("pv 200\r"), "ok");
  EXPECT_TRUE(one.ask("banana").starts_with("error expected one of"));
  EXPECT_TRUE(run_until([&] { return plant_.house().truth().load == 700.0_W; }));
  EXPECT_TRUE(two.ask("state").starts_with("ok {"));
  EXPECT_EQ(plant_.house().truth().solar, 200.0_W);
}

TEST_F(Runner, ALineWithoutEndIsRefused) {
  ASSERT_TRUE(good_) << reason_;
  Client client{*this};
  EXPECT_EQ(client.ask(std::string(2000, 'x')), "error the line is too long");
  EXPECT_EQ(Client{*this}.ask("grid on"), "ok") << "others are not disturbed";
}

}  // namespace
}  // namespace esshub::sim
