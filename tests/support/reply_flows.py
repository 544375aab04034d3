"""Two bot flows that people are answered with."""

SPRING = """
name: spring_replies
start: welcome
nodes:
  welcome:
    type: message
    text: "Hello {first_name|there}! Interested in {campaign}?"
    step: welcomed
    buttons:
      - {title: "Yes", next: size}
      - {title: "No", next: bye}
  size:
    type: ask
    text: "Which size?"
    step: interested
    expect: number
    min: 30
    max: 50
    error: "A number from 30 to 50, please."
    tag: shoe_size
    next: done
  done: {type: end, text: "Noted: {answers.size}."}
  bye: {type: handoff, text: "A colleague will write to you.", reason: "said no"}
"""
HELLO = """
name: hello
start: a
keywords: [opening hours]
nodes:
  a: {type: message, text: "Hi. What is your name?", next: b}
  b: {type: ask, text: "Your name?", attribute: nickname, next: c}
  c: {type: end, text: "Thanks!"}
"""
