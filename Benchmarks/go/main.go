// A handler of Go's net/http and nothing else: what a server of that kind costs at least.
//
// main ADDRESS:PORT BODY [FILE]: BODY is answered at the one path that is measured; FILE is JSON of further paths and their bodies in base64.
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	bodies := map[string][]byte{}
	if len(os.Args) > 3 {
		text, err := os.ReadFile(os.Args[3])
		if err == nil {
			err = json.Unmarshal(text, &bodies)
		}
		if err != nil {
			panic(err)
		}
	}
	bodies["/latest/meta-data/instance-id"] = []byte(os.Args[2])
	handler := func(reply http.ResponseWriter, request *http.Request) {
		body, known := bodies[request.URL.Path]
		if !known {
			http.NotFound(reply, request)
			return
		}
		reply.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		reply.Write(body)
	}
	panic(http.ListenAndServe(os.Args[1], http.HandlerFunc(handler)))
}
