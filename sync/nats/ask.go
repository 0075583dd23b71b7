package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// atOnce is how many questions a compiler answers at a time; to more there is no answer.
const atOnce = 4

// asked is where relays ask compilers what only those who have the repository know. One of them answers.
func (l *link) askedSubject() string { return "yardarm." + l.config.Bucket + ".asked" }

// Ask asks some compiler a question, and gives its answer. An error is that none answers in the context's time.
func (r *Relay) Ask(ctx context.Context, question []byte) ([]byte, error) {
	r.mu.Lock()
	conn := r.asking
	r.mu.Unlock()
	if conn == nil || !conn.IsConnected() {
		return nil, errors.New("NATS: not connected")
	}
	m, err := conn.RequestWithContext(ctx, r.askedSubject(), question)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errors.New("NATS: no compiler is there to answer")
	}
	if err != nil {
		return nil, fmt.Errorf("NATS: ask a compiler: %w", err)
	}
	return m.Data, nil
}

// answers has questions answered while the connection stands. Nobody waits for those that come after ctx has ended.
func (c *Compiler) answers(ctx context.Context, conn *nats.Conn) error {
	if c.answer == nil {
		return nil
	}
	turns := make(chan struct{}, atOnce)
	_, err := conn.QueueSubscribe(c.askedSubject(), "compilers", func(m *nats.Msg) {
		select {
		case turns <- struct{}{}:
		default:
			return
		}
		c.answering.Go(func() {
			defer func() { <-turns }()
			_ = m.Respond(c.answer(ctx, m.Data)) // who asked may be gone
		})
	})
	return err
}
