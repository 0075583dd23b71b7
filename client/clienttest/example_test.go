package clienttest_test

import (
	"fmt"

	"github.com/yardarm-io/yardarm/client"
	"github.com/yardarm-io/yardarm/client/clienttest"
)

func Example() {
	server := clienttest.NewServer(nil) // in a test: clienttest.NewServer(t)
	defer server.Close()
	server.Set("checkout.new-payment", true)

	flags := server.Client(nil)
	defer flags.Close()
	fmt.Println(flags.Bool("checkout.new-payment", client.Context{client.TargetingKey: "user-1"}, false))

	server.Set("checkout.new-payment", false)
	server.WaitApplied()
	fmt.Println(flags.Bool("checkout.new-payment", client.Context{client.TargetingKey: "user-1"}, true))

	server.Stop() // an outage: the last answer stands
	fmt.Println(flags.Bool("checkout.new-payment", client.Context{client.TargetingKey: "user-1"}, true))
	// Output:
	// true
	// false
	// false
}
