package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
)

func ExampleClient_Bool() {
	server := clienttest.NewServer(nil) // in place of a daemon
	defer server.Close()
	server.Set("checkout.new-payment", true)

	flags, err := client.New(client.Config{
		URL:         server.URL, // wss://flags.example
		Environment: clienttest.Environment,
		Name:        "checkout/pod-7",
	})
	if err != nil {
		panic(err) // the config is wrong
	}
	defer flags.Close()

	// Not required: until flags have come, questions are answered with their fallbacks.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := flags.Ready(ctx); err != nil {
		log.Print(err)
	}

	ec := client.Context{client.TargetingKey: "user-1842", "plan": "pro"}
	fmt.Println(flags.Bool("checkout.new-payment", ec, false))
	fmt.Println(flags.String("checkout.colour", ec, "blue"))
	// Output:
	// true
	// blue
}

func ExampleClient_OnChange() {
	server := clienttest.NewServer(nil)
	defer server.Close()
	server.Set("search.results", 10)
	flags := server.Client(nil)
	defer flags.Close()

	done := make(chan struct{})
	cancel := flags.OnChange(func(change client.Change) {
		fmt.Println(change.Flags, flags.Int("search.results", nil, 0))
		close(done)
	})
	defer cancel()

	server.Set("search.results", 20)
	<-done
	// Output:
	// [search.results] 20
}

func ExampleClient_BoolDetails() {
	server := clienttest.NewServer(nil)
	defer server.Close()
	server.Set("checkout.new-payment", true)
	flags := server.Client(nil)
	defer flags.Close()

	known := flags.BoolDetails("checkout.new-payment", nil, false)
	fmt.Println(known.Value, known.Variant, known.Reason, known.Metadata.FlagSetID)
	unknown := flags.BoolDetails("checkout.new-paymnet", nil, false)
	fmt.Println(unknown.Value, unknown.Reason, unknown.ErrorCode)
	// Output:
	// true on STATIC test
	// false ERROR FLAG_NOT_FOUND
}
