"""What the car is made of: motors, cameras and sensors behind small protocols."""
