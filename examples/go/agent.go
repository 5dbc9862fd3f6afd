// Package agent asks whether this instance is going to be interrupted.
package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// An Interruption is what happens to the instance, and when.
type Interruption struct {
	Action string    `json:"action"`
	Time   time.Time `json:"time"`
}

var client = http.Client{Timeout: time.Second}

func request(method, url, field, value string) (int, []byte, error) {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("X-aws-ec2-metadata-token"+field, value)
	reply, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	return reply.StatusCode, body, err
}

// Look returns nil where nothing is planned.
func Look(url string) (*Interruption, error) {
	status, token, err := request("PUT", url+"/latest/api/token", "-ttl-seconds", "300")
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d for a token", status)
	}
	if err != nil {
		return nil, err
	}
	status, body, err := request("GET", url+"/latest/meta-data/spot/instance-action", "", string(token))
	switch {
	case err != nil:
		return nil, err
	case status == 404:
		return nil, nil
	case status != 200:
		return nil, fmt.Errorf("status %d for the notice", status)
	}
	notice := new(Interruption)
	return notice, json.Unmarshal(body, notice)
}
