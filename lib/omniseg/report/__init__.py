"""What people see: tables on the terminal, the picture and the page of one snapshot."""
