"""OCI images: names, documents, the local store (an image layout), and other people's layouts and archives."""
