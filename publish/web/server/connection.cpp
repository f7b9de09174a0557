#include "publish/web/server/connection.hpp"

namespace esshub::publish {

namespace asio = boost::asio;

Connection::Connection(std::unique_ptr<ByteStream> stream, std::string peer,
                       std::shared_ptr<const ConnectionHost> host)
    : stream_(std::move(stream)),
      peer_(std::move(peer)),
      host_(std::move(host)),
      deadline_(stream_->executor()),
      parser_(host_->limits.header_bytes, host_->limits.body_bytes, host_->limits.put_bytes,
              host_->limits.put_under) {}

void Connection::start() {
  limit(host_->limits.read_limit);
  stream_->open([self = shared_from_this()](Code error) {
    if (!error) self->await_request();
  });
}

void Connection::push(const SharedText& event) {
  if (!following_) return;
  if (writing_) {
    waiting_ = event;  // what it did not take in time is not sent late
  } else {
    write_event(event);
  }
}

void Connection::close() {
  following_ = false;
  no_limit();
  stream_->close();
}

void Connection::limit(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](Code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    // It may have been moved while this was already on its way.
    if (self->deadline_.expiry() <= Timer::clock_type::now()) self->close();
  });
}

void Connection::no_limit() {
  deadline_.expires_at(Timer::time_point::max());
}

void Connection::await_request() {
  // One limit for the whole request, however slowly its bytes drip in.
  limit(host_->limits.read_limit);
  reading_ = true;
  read();
}

void Connection::read() {
  if (auto parsed = parser_.parse(unparsed_)) return respond(std::move(*parsed));
  stream_->read_some(asio::buffer(block_), [self = shared_from_this()](Code error, std::size_t n) {
    if (error) return self->shut_down();
    self->unparsed_.append(self->block_.data(), n);
    self->read();
  });
}

void Connection::respond(ParsedRequest parsed) {
  reading_ = false;
  form_ = parsed.form;
  form_.tls = stream_->tls();
  if (parsed.refused) return write(*parsed.refused);
  parsed.request.peer = peer_;
  parsed.request.tls = form_.tls;
  // While the answer waits for the disk this connection waits with it.
  no_limit();
  host_->answer(
      std::move(parsed.request),
      [self = shared_from_this()](const WebResponse& response) { self->write(response); });
}

void Connection::write(const WebResponse& response) {
  const bool events = response.content_type == "text/event-stream" && !form_.head;
  if (events) form_.keep_alive = false;
  under_way_ = std::make_shared<const std::string>(answer_text(response, form_));
  if (events) return start_events();
  limit(host_->limits.write_limit);
  stream_->write(asio::buffer(*under_way_), [self = shared_from_this()](Code error, std::size_t) {
    if (error) return;
    if (self->form_.keep_alive) return self->await_request();
    self->shut_down();
  });
}

/// From here on the connection only carries events, until the client goes.
void Connection::start_events() {
  following_ = true;
  await_end();
  waiting_ = host_->first_event();
  write_event(std::move(under_way_));
}

void Connection::write_event(SharedText event) {
  writing_ = true;
  under_way_ = std::move(event);
  limit(host_->limits.write_limit);
  stream_->write(asio::buffer(*under_way_), [self = shared_from_this()](Code error, std::size_t) {
    self->writing_ = false;
    self->no_limit();
    if (error || !self->following_) return self->close();
    if (auto next = std::exchange(self->waiting_, nullptr)) self->write_event(std::move(next));
  });
}

/// Nothing more is expected of a client that follows events; its end is noticed at once.
void Connection::await_end() {
  stream_->read_some(asio::buffer(block_), [self = shared_from_this()](Code error, std::size_t) {
    if (error) return self->close();
    self->await_end();
  });
}

void Connection::shut_down() {
  limit(std::chrono::seconds(2));
  stream_->shut_down([self = shared_from_this()](Code) { self->close(); });
}

}  // namespace esshub::publish
