// A handler of Go's net/http and nothing else: what a server of that kind costs at least.
package main

import (
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/latest/meta-data/instance-id", func(reply http.ResponseWriter, _ *http.Request) {
		reply.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		io.WriteString(reply, os.Args[2])
	})
	panic(http.ListenAndServe(os.Args[1], nil))
}
