// Asio's own functions (BOOST_ASIO_SEPARATE_COMPILATION), which every other unit only declares.
#include <utility>  // before Boost.Asio 1.74, which forgets it

#include <boost/asio/impl/src.hpp>
